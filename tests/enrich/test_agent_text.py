"""User agents as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.agent_text import LONGEST, Product, cleaned, leading, products, version_key

versions = st.tuples(*[st.integers(0, (1 << 21) - 1)] * 3)


@given(st.text(st.characters(codec=None), max_size=3000))
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    """Whatever comes in, cleaned text is short, encodable, printable and without double blanks."""
    clean = cleaned(text)
    assert len(clean) <= LONGEST
    clean.encode("utf-8")
    assert clean == "" or clean.isprintable()
    assert "  " not in clean
    assert clean == clean.strip()
    assert cleaned(clean) == clean


def test_long_text_is_cut() -> None:
    """Of a long agent the first 1,024 characters stay."""
    assert cleaned("x" * 5000) == "x" * LONGEST


def test_bidirectional_and_zero_width_characters_go() -> None:
    """Characters that reorder or hide text do not reach a screen."""
    assert cleaned("a\u202eb\u200bc\x1b[31m\ud800d\n e") == "a b c [31m d e"


@given(versions, versions)
def test_version_keys_sort_as_versions(one: tuple[int, ...], two: tuple[int, ...]) -> None:
    """The keys of two versions compare as their numbers do."""
    text_one, text_two = (".".join(map(str, v)) for v in (one, two))
    assert (version_key(text_one) < version_key(text_two)) == (one < two)


@given(st.text(max_size=200))
def test_version_keys_fit_into_int64(text: str) -> None:
    """A key is never negative and never too large for a signed 64-bit column."""
    assert 0 <= version_key(text) < 1 << 63
    assert 0 <= version_key("9" * 50 + "." + text) < 1 << 63


def test_a_version_of_one_number_ignores_the_others() -> None:
    """With one part asked for, 124.0.6367 and 124.0.0 are the same."""
    assert version_key("124.0.6367", 1) == version_key("124.0.0", 1) < version_key("125", 1)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("Scrapers Inc", "Scrapers Inc", ""),
        ("Scrapers Inc (+https://example.com)", "Scrapers Inc", ""),
        ("Scrapers Inc/1.2", "Scrapers Inc", "1.2"),
        ("Slack Ruby Client/2.1.0", "Slack Ruby Client", "2.1.0"),
        ("Faraday v2.7.1", "Faraday", "2.7.1"),
        ("curl/8.4.0 libcurl/8.4.0", "curl", "8.4.0"),
        ("thing/latest", "thing", ""),
        ("https://example.com/x", "https://example.com/x", ""),
        ("(nothing)", "(nothing)", ""),
        ("/1.0", "/1.0", ""),
        ("x" * 500, "x" * 80, ""),
    ],
)
def test_leading_product(text: str, name: str, version: str) -> None:
    """An agent's own name is what stands before its first slash, comment or separator."""
    assert leading(text) == Product(name, version)


def test_products_are_found_in_order() -> None:
    """All name/version tokens come out in their order, those in comments included."""
    text = "Mozilla/5.0 (X11; rv:1) Slack/4.1 Chrome/ (a/b; c)"
    names = [(product.name, product.version) for product in products(text)]
    assert names == [("Mozilla", "5.0"), ("Slack", "4.1"), ("Chrome", ""), ("a", "b")]
