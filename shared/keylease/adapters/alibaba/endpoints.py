"""Which host serves a product in a region."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from keylease.errors import Misconfigured

# Regions whose R-kvstore has no host of its own; the product's central host serves them.
_CENTRAL_KVSTORE = frozenset({"cn-hangzhou", "cn-hangzhou-finance"})


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Hosts by rule, unless one is given for the product."""

    network: str = ""
    """`vpc` for the hosts inside a VPC."""
    given: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By product, such as `{"rocketmq": "http://127.0.0.1:8099"}`; without a scheme it is https."""

    def base(self, product: str, /, *, region: str) -> str:
        """Scheme and authority."""
        # Even the vendor's own tables hold host names with a trailing TAB.
        if given := self.given.get(product, "").strip():
            return (given if "://" in given else f"https://{given}").rstrip("/")
        region = region.strip()
        if not region:
            if product == "sts":
                return "https://sts.aliyuncs.com"
            msg = f"no region for {product}: set the region of the target"
            raise Misconfigured(msg)
        return f"https://{self._host(product, region)}"

    def _host(self, product: str, region: str) -> str:
        if self.network.strip() in {"", "public"}:
            if product == "r-kvstore" and region in _CENTRAL_KVSTORE:
                return "r-kvstore.aliyuncs.com"
            return f"{product}.{region}.aliyuncs.com"
        return f"{product}-{self.network.strip()}.{region}.aliyuncs.com"
