"""Views: findings and frames as charts; they never query."""
