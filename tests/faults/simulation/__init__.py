"""A whole team in one process, in virtual time, from one seed: relay, daemons, consumers and the network between.

Real: the relay from its session to its SQLite store, the daemons' engines from the link's session to the vault, and
the records that scripts and consumers go through. Replaced, and only to decide *when* something happens:

    loop      the event loop's clock: it jumps to the next timer when nothing is ready
    threads   what ran in threads (executors, the databases' workers) runs in the loop, after a drawn delay
    pipes     sockets: whole frames in order, delayed, cut, swallowed or dripped as drawn; keepalive is one timer there
    hosts     wall clocks, monotonic clocks and random numbers: of the world, one stream a host

Not replaced but stretched, so that a week has few timers: the relay's upkeep, the link's look at unanswered requests,
and the pump's look into the outbox that nobody asked for. That look would hide a missed wake-up; here nothing hides it.
"""
