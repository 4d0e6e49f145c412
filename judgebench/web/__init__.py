"""What of HTTP the app and the REST API share: who asks behind a proxy, and how much of it one of them may do."""
