"""What Slack's words for a refusal mean to us, and what a person does about it."""

from collections.abc import Mapping

from keylease.errors import (
    ProviderAmbiguous,
    ProviderBusy,
    ProviderDenied,
    ProviderError,
    ProviderNotFound,
    ProviderTransient,
)

ERRORS: Mapping[str, type[ProviderError]] = {
    "ratelimited": ProviderBusy,
    "rate_limited": ProviderBusy,
    "message_limit_exceeded": ProviderBusy,
    "service_unavailable": ProviderTransient,
    "team_added_to_org": ProviderTransient,
    "request_timeout": ProviderAmbiguous,
    "fatal_error": ProviderAmbiguous,  # "some aspect of the operation" may have succeeded
    "internal_error": ProviderAmbiguous,
    "channel_not_found": ProviderNotFound,
    "user_not_found": ProviderNotFound,
    "message_not_found": ProviderNotFound,
    "invalid_auth": ProviderDenied,
    "not_authed": ProviderDenied,
    "account_inactive": ProviderDenied,
    "token_revoked": ProviderDenied,
    "token_expired": ProviderDenied,
    "missing_scope": ProviderDenied,
    "no_permission": ProviderDenied,
    "not_in_channel": ProviderDenied,
    "access_denied": ProviderDenied,
}
"""Everything else is refused for good."""

UNCHANGEABLE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})

SCOPE = "chat:write"
"""All that keylease does in Slack needs it, and nothing else."""

_INSTALL = "install the app again, put its bot token into slack.<name>.bot_token and restart"
_NEW_SCOPE = f"give the app the bot scope {SCOPE}, then {_INSTALL}"
NEXT_STEPS: Mapping[str, str] = {
    "missing_scope": _NEW_SCOPE,
    "no_permission": _NEW_SCOPE,
    "not_in_channel": "invite the app's bot to that channel",
    "channel_not_found": (
        "correct the channel or person where it is written (policy, operators, directory); "
        "into a private channel, invite the app's bot"
    ),
    "user_not_found": "correct the person's Slack id in the directory",
    "invalid_auth": f"the bot token is wrong: {_INSTALL}",
    "not_authed": f"the bot token is empty: {_INSTALL}",
    "account_inactive": f"the app's bot was removed: {_INSTALL}",
    "token_revoked": f"the bot token was taken back: {_INSTALL}",
    "token_expired": f"the bot token has expired: {_INSTALL}",
    "access_denied": f"the workspace does not let the app in: ask its owners, then {_INSTALL}",
}
"""For refusals that only a person ends."""
