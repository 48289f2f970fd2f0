"""The S3 stand-in, on a port of its own: moto's S3, behind a layer that is as strict and as unreliable as the real one.

``store`` is moto, ``signatures`` refuses what is not signed (AWS Signature Version 4), ``checks`` what has arrived
wrongly, ``faults`` say what goes wrong on purpose, ``layer`` is the WSGI application of it all, ``routes`` the page and
the calls for tests. ``names`` has the buckets and the key. One bucket is Cloudflare R2, which takes less than S3 does
(https://developers.cloudflare.com/r2/api/s3/api/).
"""
