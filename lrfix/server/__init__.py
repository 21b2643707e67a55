"""The language server: findings as one types, curves on hover, rewrites and ignore comments as code actions."""
