using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("BackupPlatform.Engine.Tests")]
