"""Acting: sign out of Slack, allow list, automatic response, notifications; each with a dry run and a trail."""
