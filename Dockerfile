# Builds and runs the dashboard. The database is a container of its own: see docker-compose.yml.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
# Project files first: packages are fetched anew only when these change.
COPY Directory.Build.props Directory.Packages.props ./
COPY Core/Core.csproj Core/
COPY Infrastructure/Infrastructure.csproj Infrastructure/
COPY Web/Web.csproj Web/BlazorScript.targets Web/
RUN dotnet restore Web/Web.csproj
COPY .editorconfig appsettings.json ./
COPY Core Core
COPY Infrastructure Infrastructure
COPY Web Web
RUN dotnet publish Web/Web.csproj --no-restore -c Release -o /program

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# ssh to reach servers, dig and nsupdate to watch DNS, curl for the health check, setpriv is in the base image.
RUN apt-get update \
    && apt-get install -y --no-install-recommends openssh-client bind9-dnsutils curl tzdata \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /program /program
# The base image brings the user "app"; keys are kept in the volume, readable by it alone.
RUN install -d -m 0711 -o app -g app /data
USER app
VOLUME /data
ENV Data=/data Urls=http://+:8080 ASPNETCORE_HTTP_PORTS=
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD curl -fsS -o /dev/null http://127.0.0.1:8080/health
ENTRYPOINT ["dotnet", "/program/MigrationDashboard.Web.dll"]
