"""The personalization engine: importable alone, without the orchestrator."""
