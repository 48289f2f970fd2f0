"""The Cloudflare Images stand-in: takes images, keeps them in memory, and delivers them to who has a signed link.

``account`` holds what a customer of Cloudflare would be given, ``images`` keeps the images, ``kinds`` looks into them,
``api`` speaks the API and takes uploads, ``delivery`` hands out images, ``faults`` and ``misbehaving`` make calls go
wrong, ``control`` is for tests and people. It follows what Cloudflare publishes:

* uploads: https://developers.cloudflare.com/images/storage/upload-images/direct-creator-upload/
* details, list, blob, delete: https://developers.cloudflare.com/api/resources/images/
* limits and formats: https://developers.cloudflare.com/images/get-started/limits/
* signed links: https://developers.cloudflare.com/images/optimization/hosted-images/serve-private-images/
* how often one may ask: https://developers.cloudflare.com/fundamentals/api/reference/limits/
"""
