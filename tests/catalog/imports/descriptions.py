"""Descriptions for tests: a small service of tips, and what a bank might have instead."""

import json
from typing import Any

TIPS: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Tips", "version": "1.2", "description": "Tips for waiters"},
    "servers": [{"url": "https://core.bank.example/tips"}],
    "paths": {
        "/v1/tips": {
            "get": {
                "operationId": "listTips",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 50}},
                    {
                        "name": "Authorization",
                        "in": "header",
                        "required": True,
                        "schema": {"type": "string"},
                    },
                ],
                "responses": {
                    "200": {
                        "description": "all",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Tip"},
                                }
                            }
                        },
                    }
                },
            },
            "post": {
                "operationId": "createTip",
                "summary": "Give a tip",
                "parameters": [
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "schema": {"type": "string"},
                    }
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/NewTip"}}
                    },
                },
                "responses": {
                    "201": {
                        "description": "given",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Tip"}}
                        },
                    },
                    "402": {"description": "no money"},
                },
            },
        },
        "/v1/tips/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "get": {
                "operationId": "getTip",
                "responses": {
                    "200": {
                        "description": "one",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Tip"}}
                        },
                    }
                },
            },
            "delete": {"responses": {"204": {"description": "gone"}}},
        },
    },
    "components": {
        "schemas": {
            "NewTip": {
                "type": "object",
                "required": ["amount", "currency", "id"],
                "properties": {
                    "id": {"type": "string", "readOnly": True},
                    "amount": {"type": "integer", "minimum": 1},
                    "currency": {"type": "string", "minLength": 3, "maxLength": 3},
                    "phone": {"type": "string", "nullable": True},
                },
            },
            "Tip": {
                "allOf": [
                    {"$ref": "#/components/schemas/NewTip"},
                    {
                        "type": "object",
                        "properties": {"parent": {"$ref": "#/components/schemas/Tip"}},
                    },
                ]
            },
        }
    },
}


def raw(description: Any) -> bytes:
    """A description as the bytes of its file."""
    return json.dumps(description, indent=1).encode()
