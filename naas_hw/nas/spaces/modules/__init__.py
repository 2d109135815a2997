"""The networks of the built-in spaces as torch modules; nothing else imports this."""
