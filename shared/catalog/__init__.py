"""Catalog: what a company sells, and what it costs.

    services, add-ons --named by--> price book (version 1, 2, 3 ...) --by which is made--> estimate --named by--> order

A price book is a JSON document of rules, described in `ops/docs/prices.md`. Uploading one puts it in force.

Invariants:
- A key of a service or an add-on is for ever. Nothing is deleted; what is not active is not estimated any more.
- Price books and estimates are never changed: the application's database role may not. So a new book, a service that is
  taken off sale and a new name leave old estimates as they are.
- A book is refused as a whole, with every fault in it. What is stored can be read without a look at faults.
- All numbers are exact decimals. Each line is rounded once; total = lines - discount + taxes, to the minor unit.
- More of an input or an add-on never costs less, and never takes less time.

Start at `estimates.make`. It asks `offers.py` for the rules, `answers.py` if the request fits them, and `pricing.py`
for the price, which is written on a `sheet.py`. `items.py` keeps services and add-ons, `price_books.py` the versions;
`book.py`, with `inputs.py`, `amounts.py` and `reading.py`, turns JSON into `rules.py` and finds the faults.
"""
