"""The REST routes, one module per concern.

`account` answers for every private route; the live order endpoints belong there, as a router
registered in `app.build` before the catch-all.
"""
