"""The durable journal of a daemon: what happened, in order, on disk before it has effects outside.

`Place` says where it is, `Journal` is written by the one daemon that owns it, `Reader` reads it beside that,
`Scribe` is what the core and its audience talk to.
"""
