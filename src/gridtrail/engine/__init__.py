"""Relations in, rows out. The only room that imports a query engine."""
