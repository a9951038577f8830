/** The bundler puts a style sheet beside the script that names it. */
declare module "*.css";
