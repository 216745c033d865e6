using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("BackupPlatform.Engine.Tests")]
[assembly: InternalsVisibleTo("BackupPlatform.Engine.Fuzz")]
