"""What tables are written as, one format a module.

`text` writes row by row. The others keep types, widths and the run's numbers
before the first row, so rows wait in a `Spool` until all are known.
"""
