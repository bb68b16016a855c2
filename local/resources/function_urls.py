"""Functions' URLs, and who may call a function."""

from urllib.parse import urlsplit

from local.aws import Aws
from local.resources.naming import (
    Created,
    Inputs,
    ResourceError,
    capitalised,
    given,
    physical_name,
)

PATH = "/lambda-url/"
"""Below it, on the port of AWS, each URL has a path of its own: local/function_urls.py."""
# What each of these is a condition of; AWS refuses it with any other action.
_ONLY_WITH = {
    "functionUrlAuthType": "lambda:InvokeFunctionUrl",
    "invokedViaFunctionUrl": "lambda:InvokeFunction",
}


def function_url(aws: Aws, _name: str, inputs: Inputs) -> Created:
    """A URL. moto would name a host in the internet."""
    if inputs["authorizationType"] != "NONE" or inputs.get("invokeMode", "BUFFERED") != "BUFFERED":
        raise ResourceError(
            "only URLs with authorization_type NONE that are buffered are embedded: see "
            "local/function_urls.py"
        )
    created = aws.client("lambda").create_function_url_config(
        FunctionName=inputs["functionName"],
        AuthType="NONE",
        **given(Cors=capitalised(inputs.get("cors"))),
    )
    url_id = str(urlsplit(created["FunctionUrl"]).hostname).partition(".")[0]
    outputs = {
        "functionArn": created["FunctionArn"],
        "functionUrl": f"{aws.endpoint_url}{PATH}{url_id}/",
        "urlId": url_id,
    }
    return Created(inputs["functionName"], outputs)


def permission(aws: Aws, name: str, inputs: Inputs) -> Created:
    """A statement of a function's own policy."""
    for condition, action in _ONLY_WITH.items():
        if inputs.get(condition) and inputs["action"] != action:
            raise ResourceError(f"AWS takes {condition} with {action} alone")
    statement_id = physical_name(name, inputs, 100, key="statementId")
    aws.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=statement_id,
        Action=inputs["action"],
        Principal=inputs["principal"],
        **given(
            FunctionUrlAuthType=inputs.get("functionUrlAuthType"),
            InvokedViaFunctionUrl=inputs.get("invokedViaFunctionUrl"),
            SourceArn=inputs.get("sourceArn"),
            SourceAccount=inputs.get("sourceAccount"),
        ),
    )
    return Created(statement_id, {"statementId": statement_id})
