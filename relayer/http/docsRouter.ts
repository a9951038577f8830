import { Router } from "express";

import { openApiDocument } from "./openapi.ts";

/** The API's description, for machines and for people. The page needs no script. */
export function docsRouter(): Router {
  const router = Router();
  const page = docsPage();
  router.get("/openapi.json", (_request, response) => {
    response.json(openApiDocument);
  });
  router.get("/docs", (_request, response) => {
    response.type("html").send(page);
  });
  return router;
}

function docsPage(): string {
  const rows = Object.entries(openApiDocument.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => {
      return `<tr><td>${method.toUpperCase()}</td><td><code>${path}</code></td><td>${summary}</td></tr>`;
    }),
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Affiant relayer</title>
<h1>Affiant relayer</h1><p>Machine-readable: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1)</p>
<table border="1" cellpadding="4">${rows.join("\n")}</table></html>`;
}
