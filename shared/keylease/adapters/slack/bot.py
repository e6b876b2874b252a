"""Whether a workspace's bot will be heard: its token is taken, is of that workspace, may write."""

from keylease.adapters.slack.chat import SlackChat
from keylease.adapters.slack.refusals import NEXT_STEPS, SCOPE
from keylease.errors import ProviderError, ProviderTransient


async def unheard(chat: SlackChat, /) -> tuple[str, ...]:
    """Why its messages will not arrive. It changes nothing.

    Raises:
        ProviderTransient: Slack was not reached; nothing is known.
    """
    try:
        bot = await chat.bot()
    except ProviderTransient:
        raise
    except ProviderError as e:
        return (f"{e}; {NEXT_STEPS.get(e.code, 'see slack.<name>')}",)
    problems = []
    if bot.tenants and chat.tenant not in bot.tenants:
        its = " in ".join(sorted(bot.tenants))
        problems.append(
            f"the token is of {its}, not of {chat.tenant}; take the one of that workspace"
        )
    if bot.scopes and SCOPE not in bot.scopes:
        problems.append(f"the token lacks {SCOPE}; {NEXT_STEPS['missing_scope']}")
    return tuple(problems)
