"""Tables for spreadsheets: orders and payments as CSV, streamed at once or written to a file in the background.

A file (`csv_files`, its content in `csv_file_parts`):

    request --> queued --claim--> writing --> ready --after a day--> expired (the content is gone)
                  ^                  |
                  +- lease ran out --+--> dead, after too many tries

`rows` of `total_rows` is the progress while it is written. Each part is a gzip member of its own, so that the parts one
after the other are one gzip file (RFC 1952, 2.2).
"""
