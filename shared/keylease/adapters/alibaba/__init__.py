"""Alibaba Cloud without its SDK: signing, credentials, typed clients, and accounts on targets."""
