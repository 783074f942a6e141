from support.fixtures import listen, no_leftover_threads, no_proxy_variables

__all__ = ["listen", "no_leftover_threads", "no_proxy_variables"]
