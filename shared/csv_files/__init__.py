"""Tables for spreadsheets: orders and payments as CSV, streamed at once or written to a file in the background.

A file (`csv_files`, its content in `csv_file_parts`):

    request --> queued --claim--> writing --> ready --after a day--> expired (the content is gone)
                  ^                  |
                  +- lease ran out --+--> dead, after too many tries

`rows` of `total_rows` is the progress while it is written. The parts one after the other are one gzip file of one
member, because browsers stop reading after the first member. What is written, and how, is told in `tables.py` and
`cells.py`; `reading.py` reads it piece by piece, both for those who want it at once and for the file.

No cell holds a text that a spreadsheet would take for a formula. Nobody reads half a file for a whole one.
"""
