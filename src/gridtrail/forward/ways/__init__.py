"""Ways to another system, one file each: hand over a batch, or say why not."""
