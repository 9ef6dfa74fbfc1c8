"""Steps: one question of the playbook a file."""
