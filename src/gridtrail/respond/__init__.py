"""Acting: signing out of Slack and the allow list; each with a dry run and a trail."""
