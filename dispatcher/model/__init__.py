"""The model: tables with their rules. Imports SQLAlchemy and the standard library, nothing else."""

from dispatcher.model.audit import AuditEntry
from dispatcher.model.base import Base, now
from dispatcher.model.bounds import CapUse, Mark, Pause
from dispatcher.model.call import Recording, StaffCall, Transcoding
from dispatcher.model.callback import Callback, Poll, ProviderEvent
from dispatcher.model.conversation import Conversation, OrderRequest, Reply, ReplyFile, Response
from dispatcher.model.delivery import Attempt, Delivery, Letter, Recipient, Task
from dispatcher.model.directory import (
    CHANNELS,
    ContactPoint,
    Customer,
    DistributionList,
    Firm,
    ListMember,
    Preference,
)
from dispatcher.model.hook import Hook, HookEvent, HookPost
from dispatcher.model.idempotency import IdempotencyKey
from dispatcher.model.message import Attachment, Decision, Media, Message, Version, VersionList
from dispatcher.model.routing import RoutingRule
from dispatcher.model.staff import ROLES, ApiToken, Duty, Grant, SignIn, Staff
from dispatcher.model.suppression import ListReading, Suppression

__all__ = [
    "CHANNELS", "ROLES", "ApiToken", "Attachment", "Attempt", "AuditEntry", "Base", "Callback", "CapUse",
    "ContactPoint", "Conversation", "Customer", "Decision", "Delivery", "DistributionList", "Duty", "Firm", "Grant",
    "Hook", "HookEvent", "HookPost", "IdempotencyKey", "Letter", "ListMember", "ListReading", "Mark", "Media",
    "Message", "OrderRequest", "Pause", "Poll", "Preference", "ProviderEvent", "Recipient", "Recording", "Reply",
    "ReplyFile", "Response", "RoutingRule", "SignIn", "Staff", "StaffCall", "Suppression", "Task", "Transcoding",
    "Version", "VersionList", "now",
]  # fmt: skip
