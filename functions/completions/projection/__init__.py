"""What Pinecone shows of words, made to be what the label table says."""
