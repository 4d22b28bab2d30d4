using System.Runtime.CompilerServices;
using Radzen;

namespace MigrationDashboard.Web.Components.Shared;

/// <summary>Asks before something happens.</summary>
public static class Confirmation
{
    /// <summary>True if the person pressed the button that names the action.</summary>
    public static async Task<bool> ConfirmAsync(this DialogService dialogs, string title, string consequences, string action, bool danger = false) =>
        await OpenAsync(dialogs, title, consequences, action, danger, askReason: false) is not null;

    /// <summary>The written reason, or null if the person thought better of it.</summary>
    public static Task<string?> ConfirmWithReasonAsync(this DialogService dialogs, string title, string consequences, string action, bool danger = false) =>
        OpenAsync(dialogs, title, consequences, action, danger, askReason: true);

    /// <summary>Pages that are asking just now: a double click asks once.</summary>
    private static readonly ConditionalWeakTable<DialogService, object> Asking = [];

    private static async Task<string?> OpenAsync(DialogService dialogs, string title, string consequences, string action, bool danger, bool askReason)
    {
        if (!Asking.TryAdd(dialogs, dialogs))
            return null;
        try
        {
            return await ShowAsync(dialogs, title, consequences, action, danger, askReason);
        }
        finally
        {
            Asking.Remove(dialogs);
        }
    }

    private static async Task<string?> ShowAsync(DialogService dialogs, string title, string consequences, string action, bool danger, bool askReason) =>
        await dialogs.OpenAsync<ConfirmDialog>(title, new Dictionary<string, object?>
        {
            [nameof(ConfirmDialog.Consequences)] = consequences,
            [nameof(ConfirmDialog.Action)] = action,
            [nameof(ConfirmDialog.Danger)] = danger,
            [nameof(ConfirmDialog.AskReason)] = askReason,
        }, new DialogOptions { Width = "min(30rem, calc(100vw - 2rem))", CloseDialogOnEsc = true, AutoFocusFirstElement = true }) as string;
}
