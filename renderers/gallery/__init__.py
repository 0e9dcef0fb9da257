"""What people look at: contact sheets, pages, catalogues, viewers, dataset cards."""
