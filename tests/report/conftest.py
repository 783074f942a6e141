from support.fixtures import listen, no_proxy_of_the_machine, no_thread_stays, transport

__all__ = ["listen", "no_proxy_of_the_machine", "no_thread_stays", "transport"]
