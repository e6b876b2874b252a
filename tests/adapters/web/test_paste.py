"""Lines to paste mean exactly the credential, whatever characters it has."""

import ast
from urllib.parse import unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from keylease.adapters.web.paste import snippets
from keylease.domain.access import Product
from keylease.domain.secret import Secret
from keylease.ports.accounts import Endpoint
from keylease.ports.handover import Shown

VPC = Endpoint("vpc", "vpc.example.com", 6379)
PUBLIC = Endpoint("internet", "public.example.com", 6379)
PASSWORDS = st.text(alphabet="abcXYZ019!@#$%^&*()_+-=\\\"'/: {}[]<>?~`|", min_size=1, max_size=32)


def lines(product: Product, password: str, *endpoints: Endpoint) -> dict[str, str]:
    shown = Shown(
        product=product,
        target="t",
        instance_id="i",
        username="kl1",
        password=Secret(password),
        endpoints=endpoints,
    )
    return {one.title: one.lines for one in snippets(shown)}


def test_rocketmq_properties_name_endpoints_and_keys() -> None:
    assert lines(Product.ROCKETMQ, "Pw_1", VPC)["Properties"] == (
        "endpoints=vpc.example.com:6379\naccessKey=kl1\nsecretKey=Pw_1"
    )


def test_the_nearest_network_is_pasted() -> None:
    assert "vpc.example.com" in lines(Product.ROCKETMQ, "x", PUBLIC, VPC)["Java"]


def test_the_password_is_in_no_command_line() -> None:
    command = lines(Product.REDIS, "Pw_1", VPC)["redis-cli (asks for the password)"]

    assert command == "redis-cli -h vpc.example.com -p 6379 --user kl1 --askpass"


def test_an_ipv6_address_is_bracketed_where_a_port_follows() -> None:
    made = lines(Product.REDIS, "x", Endpoint("vpc", "fd00::1", 6379))

    assert made["URL"] == "redis://kl1:x@[fd00::1]:6379/0"
    assert "-h fd00::1 -p 6379" in made["redis-cli (asks for the password)"]


@given(password=PASSWORDS)
def test_a_redis_url_decodes_to_the_password(password: str) -> None:
    url = urlsplit(lines(Product.REDIS, password, VPC)["URL"])

    assert unquote(url.password or "") == password
    assert (url.username, url.hostname, url.port) == ("kl1", "vpc.example.com", 6379)


@given(password=PASSWORDS)
def test_python_lines_hold_the_password(password: str) -> None:
    for product in Product:
        tree = ast.parse(lines(product, password, VPC)["Python"])

        assert password in {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}


@given(password=PASSWORDS)
def test_java_lines_hold_the_password(password: str) -> None:
    java = lines(Product.ROCKETMQ, password, VPC)["Java"]
    literal = java.splitlines()[2].strip().removesuffix(");")

    assert ast.literal_eval(literal) == password  # the escapes that we use mean the same here


def test_a_snippets_repr_does_not_show_the_password() -> None:
    shown = Shown(Product.REDIS, "t", "i", "kl1", Secret("Canary-1"), (VPC,))

    assert "Canary-1" not in repr(snippets(shown))
