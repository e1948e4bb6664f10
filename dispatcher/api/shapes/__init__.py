"""The shapes of requests and answers, as pydantic models: they check what comes and describe themselves in OpenAPI."""
