"""Code systems, value sets and measures that CoPlan publishes."""

from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.responses import Response

from service.api import decision_examples as examples
from service.api.answers import Form
from service.api.decision_views import PublishedResource
from service.api.dependencies import ID, CurrentServices
from service.api.documentation import SCHEMAS
from service.errors import ResourceNotFound

router = APIRouter(tags=["definitions"])
DefinitionId = Annotated[str, Path(alias="definitionId", pattern=ID, examples=["admission-preference"])]


class DefinitionType(StrEnum):
    """What is published."""

    CODE_SYSTEM = "CodeSystem"
    VALUE_SET = "ValueSet"
    MEASURE = "Measure"


SCHEMA: Final = {"$ref": f"{SCHEMAS}{PublishedResource.__name__}"}
PUBLISHED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The resource as it stands in the repository of CoPlan",
        "content": {str(form): {"schema": SCHEMA, "example": examples.CODE_SYSTEM} for form in (Form.JSON, Form.FHIR)},
    },
    404: {"description": "Not found"},
}


@router.get(
    "/fhir/{definitionType}/{definitionId}",
    operation_id="getDefinition",
    summary="Read a code system, value set or measure of CoPlan",
    responses=PUBLISHED,
)
async def get_definition(
    definition_type: Annotated[DefinitionType, Path(alias="definitionType")],
    definition_id: DefinitionId,
    services: CurrentServices,
) -> Response:
    """For who reads our resources with other software: what each of our codes means. Open to everybody."""
    content = services.decisions.published(definition_type, definition_id)
    if content is None:
        raise ResourceNotFound(f"{definition_type}/{definition_id} not found")
    return Response(content, media_type=Form.FHIR, headers={"Cache-Control": "public, max-age=3600"})
