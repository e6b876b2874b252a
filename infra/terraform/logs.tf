# Where the functions' standard output goes; see logConfig of ../s.yaml.

resource "alicloud_log_project" "functions" {
  project_name = "${var.name}-${local.account}" # taken in the whole region, so the account is in it
  description  = "Log lines of keylease's functions"
}

resource "alicloud_log_store" "functions" {
  project_name     = alicloud_log_project.functions.project_name
  logstore_name    = "functions"
  retention_period = var.log_retention_days
}

resource "alicloud_log_store_index" "functions" {
  project  = alicloud_log_project.functions.project_name
  logstore = alicloud_log_store.functions.logstore_name

  full_text {
    case_sensitive = false
    token          = " ,;:=()[]{}\"'\n\t" # so that an id within a line is found
  }
}
