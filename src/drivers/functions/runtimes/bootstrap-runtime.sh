# Waits for the words that make it a program of a user: its environment, then what it becomes.
echo w >&3
eval "$(cat)"
