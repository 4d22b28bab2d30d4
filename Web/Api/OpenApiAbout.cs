using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace MigrationDashboard.Web.Api;

/// <summary>Title and way in, for whoever reads the OpenAPI document.</summary>
public sealed class OpenApiAbout : IOpenApiDocumentTransformer
{
    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "MigrationDashboard",
            Version = "v1",
            Description = "Moves an application from one server to another. Make a token on the page API tokens and send it as 'Authorization: Bearer mdt_…'.",
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["token"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API token." },
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("token", document)] = [] }];
        return Task.CompletedTask;
    }
}
