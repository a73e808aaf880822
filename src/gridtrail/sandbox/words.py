"""Invented names: people, files, channels, devices. Any likeness to real ones is chance."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


GIVEN = _words(
    "Ada Aiko Alba Amara Anil Anouk Arjun Astrid Ayla Bashir Beatriz Bence Bianca Bodhi Bram "
    "Camille Carmen Cem Chidi Clara Corin Daan Dalia Damon Daria Deniz Dina Dmitri Edda Eero "
    "Elif Elio Emeka Enzo Esme Esra Eva Farah Felix Fiona Freya Gael Gita Goran Greta Hadi Hana "
    "Hugo Ida Idris Ilse Imani Ines Ingrid Iris Ivan Jana Jaro Jin Joana Jonas Juno Kai Kalia "
    "Karim Katya Keiko Kenji Kofi Laila Lars Lea Leonor Levi Lina Liv Luca Luz Maeve Magnus Mai "
    "Malik Mara Marek Mei Mila Mina Mira Nadia Nasim Nell Nia Nico Nils Noor Nuno Odile Okoro "
    "Oleg Omar Oona Orla Otto Paloma Pia Priya Quinn Rafael Rania Ravi Renske Rosa Rui Ruth "
    "Saba Samir Sanna Selma Sena Sofia Soren Sunita Tala Tariq Tess Theo Tilda Timo Tomas Uma "
    "Una Valentin Vera Viktor Wanda Wen Ximena Yara Yusuf Zainab Zara Zeno Zoë Łukasz Søren "
    "José "
)

FAMILY = _words(
    "Abara Adeyemi Albrecht Almeida Amsel Anker Ardent Ashgrove Bakker Balint Banerjee Barros "
    "Beck Bellweather Berg Bianchi Birk Blom Brandt Brightwater Calder Cardoso Castellan "
    "Chandra Clarke Corvin Costa Dahl Dalgaard Danso Delgado Demir Diallo Dorn Duarte Eberle "
    "Eklund Elmi Enright Eriksen Falk Farrow Ferro Fischer Fontaine Frost Gallo Garrick Ghosh "
    "Gruber Hadley Halloran Hartwell Hayek Heron Hoang Holm Ibarra Ikeda Iyer Jansen Joshi "
    "Kaplan Karlsen Kaya Keller Khatri Kimura Kovac Krol Kruse Lachance Larkin Laurent Lind "
    "Lombard Lund Madsen Marlowe Marsh Mathur Mendes Mensah Merrin Mori Moreau Nakano Nassar "
    "Navarro Nkemelu Nolan Novak Nyberg Obi Okafor Oliveira Ortega Osei Ozturk Pace Pereira "
    "Petrov Pham Pinto Prasad Quist Rahal Ramires Reyes Rhodes Richter Rossi Sand Santoro Sato "
    "Schall Serrano Shah Silva Skov Soto Steen Stroud Suzuki Tanaka Teller Thorne Torres Ueda "
    "Vance Varga Vasko Vega Verma Vogel Wachira Walden Weiss Whitlock Winther Wolde Yamada "
    "Yilmaz Zeller Zielinski Žižka Nuñez "
)

TEAMS: tuple[tuple[str, float], ...] = (
    ("Engineering", 0.27),
    ("Sales", 0.17),
    ("Support", 0.15),
    ("Marketing", 0.09),
    ("Operations", 0.08),
    ("Finance", 0.06),
    ("Design", 0.06),
    ("People", 0.05),
    ("IT", 0.04),
    ("Legal", 0.03),
)
"""Teams and their share of the members."""

CHANNEL_WORDS: dict[str, tuple[str, ...]] = {
    "Engineering": ("builds", "incidents", "platform", "reviews", "mobile", "data", "infra"),
    "Sales": ("leads", "forecast", "deals", "enterprise", "renewals", "wins"),
    "Support": ("queue", "escalations", "macros", "handover", "voice"),
    "Marketing": ("campaigns", "web", "events", "brand", "press"),
    "Operations": ("facilities", "suppliers", "fleet", "travel"),
    "Finance": ("close", "invoices", "budget", "audit"),
    "Design": ("crit", "assets", "research", "motion"),
    "People": ("hiring", "benefits", "onboarding", "surveys"),
    "IT": ("helpdesk", "changes", "security", "access"),
    "Legal": ("contracts", "privacy", "patents"),
}

COMMON_CHANNELS = _words(
    "general announcements random lunch all-hands new-hires pets book-club running-club "
    "photography questions ideas kudos weather office-news learning "
)

PROJECTS = _words(
    "amber basalt cobalt drift ember fjord garnet heron indigo juniper kestrel lagoon meridian "
    "nimbus onyx pepper quartz rowan saffron tundra umber velvet willow xenon yarrow zephyr "
)

FILE_STEMS: dict[str, tuple[str, ...]] = {
    "Engineering": ("trace", "heap-profile", "design-note", "latency", "rollout", "schema", "logs"),
    "Sales": ("Pipeline", "Proposal", "Pricing", "Account-Plan", "Quote", "Win-Loss", "Territory"),
    "Support": ("ticket", "screenshot", "call-notes", "repro", "customer-list", "runbook"),
    "Marketing": ("banner", "Campaign-Brief", "persona", "newsletter", "booth", "Logo-Set"),
    "Operations": ("lease", "floor-plan", "supplier", "inventory", "shift-plan", "permit"),
    "Finance": ("Invoice", "Budget", "Accruals", "Statement", "Forecast", "Expense-Report"),
    "Design": ("mockup", "icon", "storyboard", "Moodboard", "prototype", "wireframe"),
    "People": ("CV", "Offer", "Survey", "Handbook", "Interview-Notes", "Org-Chart"),
    "IT": ("asset-list", "network-plan", "licence", "access-review", "config", "howto"),
    "Legal": ("NDA", "Contract", "Amendment", "Memo", "Policy", "Redline"),
    "Common": ("photo", "Slides", "menu", "Agenda", "Minutes", "recording", "poster"),
}

FILE_TYPES: dict[str, tuple[tuple[str, float], ...]] = {
    "Engineering": (("png", 0.35), ("txt", 0.2), ("json", 0.15), ("pdf", 0.15), ("zip", 0.15)),
    "Sales": (("xlsx", 0.32), ("pdf", 0.28), ("pptx", 0.22), ("docx", 0.13), ("png", 0.05)),
    "Support": (("png", 0.5), ("pdf", 0.15), ("csv", 0.15), ("mp4", 0.1), ("txt", 0.1)),
    "Marketing": (("png", 0.35), ("pdf", 0.2), ("pptx", 0.2), ("mp4", 0.15), ("jpg", 0.1)),
    "Operations": (("pdf", 0.45), ("xlsx", 0.3), ("jpg", 0.25)),
    "Finance": (("xlsx", 0.5), ("pdf", 0.4), ("csv", 0.1)),
    "Design": (("png", 0.45), ("fig", 0.15), ("pdf", 0.15), ("mp4", 0.15), ("svg", 0.1)),
    "People": (("pdf", 0.55), ("docx", 0.3), ("xlsx", 0.15)),
    "IT": (("pdf", 0.3), ("csv", 0.25), ("png", 0.25), ("txt", 0.2)),
    "Legal": (("docx", 0.5), ("pdf", 0.5)),
    "Common": (("jpg", 0.4), ("png", 0.2), ("pdf", 0.2), ("mp4", 0.1), ("pptx", 0.1)),
}

PARTNERS = ("Larkspur Labs", "Tidewater Logistics", "Ferrous & Sons", "Halcyon Studio")
"""Companies whose people are guests."""

EMOJI = _words("shipit party-otter this-is-fine acme-spin great-lakes blob-wave ditto yak-shave ")

PHONES = ("SM-A536B", "SM-S921B", "SM-G991U", "Pixel 8", "Pixel 9 Pro", "CPH2581", "XT2343-1")

LEADS_FILE = "Glengarry-Leads.xlsx"
"""The file of the story that every release must tell."""
