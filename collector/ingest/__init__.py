"""The I/O shells: sockets, REST and the webhook listener. They know no Prometheus: each is handed a callable."""
