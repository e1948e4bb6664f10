"""The calls of the API, one kind of thing a file. Importing them fills the table in `dispatcher.api.calls`."""

from dispatcher.api.resources import (
    customers,
    duty,
    engagement,
    exports,
    hooks,
    lists,
    messages,
    orders,
    progress,
    replies,
    reply_files,
    routing,
    search,
    sending,
    talks,
    tasks,
)

ALL = (
    messages, progress, customers, lists, replies, reply_files, talks, search, orders, tasks, sending, duty, routing,
    engagement, exports, hooks,
)  # fmt: skip
