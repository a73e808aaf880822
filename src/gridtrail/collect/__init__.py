"""Sources to the lake: files in every envelope people have them in."""
