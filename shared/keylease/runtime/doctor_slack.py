"""Doctor's questions to Slack: whether it takes each bot's token, and what that token may do.

Slack is not needed to find out about everything else: when it is not reached, that is a warning.
"""

from keylease.adapters.slack.chat import Bot
from keylease.adapters.slack.refusals import NEXT_STEPS, SCOPE
from keylease.errors import Misconfigured, ProviderError, ProviderTransient
from keylease.ports.http import Http
from keylease.runtime.outward import slack_chat
from keylease.runtime.sections import SlackTenant


async def unheard(tenant: SlackTenant, /, *, http: Http) -> tuple[str, ...]:
    """Why messages of this workspace's bot will not arrive.

    Raises:
        ProviderTransient: Slack was not reached; nothing is known.
    """
    try:
        chat = slack_chat(tenant, http=http)
        bot = await chat.bot() if chat else None
    except ProviderTransient:
        raise
    except ProviderError as e:
        return (f"{e}; {NEXT_STEPS.get(e.code, 'see slack.<name>')}",)
    except Misconfigured as e:
        return (str(e),)
    return _lacks(bot, tenant) if bot else ()


def _lacks(bot: Bot, tenant: SlackTenant) -> tuple[str, ...]:
    problems = []
    wanted = {id_ for id_ in (tenant.team_id, tenant.enterprise_id) if id_}
    if bot.tenants and not bot.tenants & wanted:
        its, ours = " in ".join(sorted(bot.tenants)), " or ".join(sorted(wanted))
        problems.append(f"the token is of {its}, not of {ours}; take the one of that workspace")
    if bot.scopes and SCOPE not in bot.scopes:
        problems.append(f"the token lacks {SCOPE}; {NEXT_STEPS['missing_scope']}")
    return tuple(problems)
