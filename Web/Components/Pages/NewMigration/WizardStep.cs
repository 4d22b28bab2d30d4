namespace MigrationDashboard.Web.Components.Pages.NewMigration;

/// <summary>The steps of the wizard in their order.</summary>
public enum WizardStep
{
    Servers,
    Link,
    Application,
    Names,
    Cutover,
    Review,
}
