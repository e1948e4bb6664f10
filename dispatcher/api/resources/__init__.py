"""The calls of the API, one kind of thing a file. Importing them fills the table in `dispatcher.api.calls`."""

from dispatcher.api.resources import (
    customers,
    duty,
    lists,
    messages,
    orders,
    progress,
    replies,
    routing,
    sending,
    talks,
    tasks,
)

ALL = (messages, progress, customers, lists, replies, talks, orders, tasks, sending, duty, routing)
