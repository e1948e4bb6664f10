"""The simulated carrier: Twilio's and SendGrid's HTTP, and telephones and mailboxes one can see and use.

A program of its own (`python -m channels.carrier`). It knows nothing of the product: the product reaches it
by its vendor URLs, it reaches the product by the webhooks the vendors would call.
"""
