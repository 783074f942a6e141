from support.fixtures import listen, no_leftover_threads, no_proxy_variables, transport

__all__ = ["listen", "no_leftover_threads", "no_proxy_variables", "transport"]
