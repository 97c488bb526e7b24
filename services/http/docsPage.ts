/**
 * The reference page: RapiDoc (a web component) from this server over this server's OpenAPI document. No other host is
 * asked for anything, fonts included. Links are relative, so that it works behind a proxy that adds a prefix.
 */
export const docsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Notarium API</title>
<link rel="icon" href="data:,">
<script type="module" src="docs/rapidoc-min.js"></script>
</head>
<body>
<rapi-doc
  spec-url="openapi.json"
  load-fonts="false"
  regular-font="system-ui, sans-serif"
  mono-font="ui-monospace, monospace"
  render-style="read"
  show-header="false"
  allow-spec-file-download="true"
  allow-server-selection="false"
  schema-style="table"
  primary-color="#2f6f4f"
></rapi-doc>
<noscript>This page needs JavaScript; the document itself is at <a href="openapi.json">openapi.json</a>.</noscript>
</body>
</html>
`;
