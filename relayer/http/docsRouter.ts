import { Router } from "express";

import { docsPage, docsStyle } from "./docsPage.ts";
import { openApiDocument } from "./openapi.ts";

/** The API's description, for machines and for people. */
export function docsRouter(): Router {
  const router = Router();
  const page = docsPage();

  router.get("/openapi.json", (_request, response) => {
    response.json(openApiDocument);
  });

  router.get("/docs", (_request, response) => {
    response.type("html").send(page);
  });

  router.get("/docs/style.css", (_request, response) => {
    response.type("css").send(docsStyle);
  });

  return router;
}
